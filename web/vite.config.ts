import { defineConfig } from 'vite';

const server = 'http://127.0.0.1:8600';

export default defineConfig({
  base: '/static/',
  build: {
    target: 'es2022',
    outDir: '../api/static',
    emptyOutDir: true,
    rollupOptions: { input: ['index.html', 'docs.html', 'login.html'] },
    // Two libraries are above Vite's default, each in a file of its own: the map's, loaded after the page's text is on screen, and the one of /docs.
    chunkSizeWarningLimit: 1700,
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': server, '/tiles': server, '/styles': server, '/basemaps': server } },
});
