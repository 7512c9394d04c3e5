import { defineConfig } from 'vite';

const server = 'http://127.0.0.1:8600';

export default defineConfig({
  base: '/static/',
  build: {
    target: 'es2022',
    outDir: '../api/static',
    emptyOutDir: true,
    // The map library alone is above Vite's default; it is loaded after the page's own text is on screen.
    chunkSizeWarningLimit: 1300,
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': server, '/tiles': server, '/styles': server, '/basemaps': server } },
});
