/** The map itself, loaded after the page's own text is on screen. */
import { addProtocol, AttributionControl, LngLatBounds, Map as MapLibre, Marker, ScaleControl, setWorkerUrl, type StyleSpecification } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import 'maplibre-gl/dist/maplibre-gl.css';
import { Protocol } from 'pmtiles';
import type { Bounds, Position } from '../api.ts';
import type { View } from '../permalink.ts';
import { archiveOf } from './archive.ts';
import { metadataOf, selectionFilter, type WanggeStyle } from './style.ts';

declare global {
  interface Window {
    /** True while the map shows all that it was asked to show; tests wait for it. */
    wanggeReady?: boolean;
    wanggeMap?: MapLibre;
  }
}

export interface MapView {
  show(style: WanggeStyle): void;
  showOverlay(overlay: string, visible: boolean): void;
  mark(position: Position | null, block: string | null): void;
  nameIt(label: string): void;
  whole(bounds: Bounds): void;
  zoomBy(steps: number): void;
  centre(): Position;
  remove(): void;
}

export interface MapOptions {
  container: HTMLElement;
  style: WanggeStyle;
  view: View | null;
  bounds: Bounds;
  onAsk(position: Position): void;
  onMove(view: View): void;
  onFailure(message: string): void;
}

setWorkerUrl(workerUrl);
const protocol = new Protocol();
addProtocol('pmtiles', protocol.tile);

function register({ sources }: WanggeStyle): void {
  for (const source of Object.values(sources)) {
    const archive = source.type === 'vector' ? archiveOf(source.url) : null;
    if (archive && !protocol.get(archive.source.getKey())) protocol.add(archive);
  }
}

const fonts = '"Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif';
const gentle = (): boolean => !matchMedia('(prefers-reduced-motion: reduce)').matches;

const isWide = (): boolean => innerWidth >= 720;

/** Paths become addresses of this server, because the map's worker knows no page to resolve them by. */
const absolute = (url: string): { url: string } => ({ url: url.startsWith('/') ? new URL(url, location.origin).href : url });

function room(): { top: number; bottom: number; left: number; right: number } {
  const wide = isWide();
  return { top: 24, bottom: wide ? 40 : 96, left: wide ? 340 : 24, right: wide ? 40 : 24 };
}

/** How far to move the map, in pixels, so that the card does not cover the marked place. */
function shift({ x, y }: { x: number; y: number }, width: number, height: number): [number, number] {
  if (isWide()) return [Math.max(0, x - (width - 460)), 0];
  return [0, Math.max(0, y - height * 0.3)];
}

export function openMap({ container, style, view, bounds, onAsk, onMove, onFailure }: MapOptions): MapView {
  register(style);
  const map = new MapLibre({
    container,
    style,
    ...(view ? { center: [view.lon, view.lat] as [number, number], zoom: view.zoom } : { bounds: new LngLatBounds(bounds) }),
    fitBoundsOptions: { padding: room() },
    minZoom: 4,
    maxZoom: 20,
    // Enough that a tile is never cut again when it is drawn larger: its labels would be repeated in each piece.
    zoomLevelsToOverscale: 7,
    maxPitch: 0,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    attributionControl: false,
    localIdeographFontFamily: fonts,
    transformRequest: absolute,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new AttributionControl({ compact: false }), 'bottom-right');
  map.addControl(new ScaleControl({ maxWidth: 96 }), 'bottom-left');
  window.wanggeMap = map;
  const busy = (): void => void (window.wanggeReady = false);
  busy();
  map.on('movestart', busy);
  map.on('idle', () => (window.wanggeReady = true));
  map.on('error', ({ error }) => onFailure(error.message));
  map.on('click', ({ lngLat }) => onAsk({ lon: lngLat.lng, lat: lngLat.lat }));
  map.on('moveend', () => onMove({ zoom: map.getZoom(), lat: map.getCenter().lat, lon: map.getCenter().lng }));
  const canvas = map.getCanvas();
  const centre = (): Position => ({ lon: map.getCenter().lng, lat: map.getCenter().lat });
  canvas.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') onAsk(centre());
  });
  const marker = new Marker({ color: '#0b57a4' });
  marker.getElement().setAttribute('aria-hidden', 'true');
  const layersWhere = (test: (metadata: ReturnType<typeof metadataOf>) => boolean): string[] =>
    map.getStyle().layers.filter((layer) => test(metadataOf(layer))).map((layer) => layer.id);
  const onceStyled = (act: () => void): void => {
    busy();
    // A style that is not there yet is told as undefined, whatever its type says.
    if (map.getStyle() as StyleSpecification | undefined) act();
    else void map.once('style.load', act);
  };

  return {
    show: (next) => {
      busy();
      map.setStyle(next, { diff: true });
    },
    showOverlay: (overlay, visible) =>
      onceStyled(() => {
        for (const id of layersWhere((metadata) => metadata['wangge:overlay'] === overlay)) {
          map.setLayoutProperty(id, 'visibility', visible ? 'visible' : 'none');
        }
      }),
    mark: (position, block) => {
      if (position) {
        marker.setLngLat([position.lon, position.lat]).addTo(map);
        const { clientWidth, clientHeight } = map.getContainer();
        const [right, down] = shift(map.project([position.lon, position.lat]), clientWidth, clientHeight);
        if (right || down) map.panBy([right, down], { animate: gentle() });
      } else {
        marker.remove();
      }
      onceStyled(() => {
        for (const id of layersWhere((metadata) => metadata['wangge:role'] === 'selected-block')) map.setFilter(id, selectionFilter(block));
        map.triggerRepaint();
      });
    },
    nameIt: (label) => canvas.setAttribute('aria-label', label),
    whole: (next) => map.fitBounds(new LngLatBounds(next), { padding: room(), animate: gentle() }),
    zoomBy: (steps) => map.zoomTo(map.getZoom() + steps, { animate: gentle() }),
    centre,
    remove: () => map.remove(),
  };
}
