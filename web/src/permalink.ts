/** The part of an address after `#`: everything that makes another person see the same map. */
import type { Position } from './api.ts';
import type { Language } from './messages/index.ts';

export interface View {
  zoom: number;
  lat: number;
  lon: number;
}

export interface Permalink {
  view: View | null;
  city: string | null;
  language: Language | null;
  /** Overlays that are shown; null: as the style says. */
  layers: string[] | null;
  /** The place whose owner is asked for. */
  place: Position | null;
}

function numbers(text: string | null, separator: string, count: number): number[] | null {
  const parts = text?.split(separator) ?? [];
  const values = parts.map(Number);
  return parts.length === count && parts.every((part) => part.trim() !== '') && values.every(Number.isFinite) ? values : null;
}

const onTheGlobe = (lat: number, lon: number): boolean => Math.abs(lat) <= 90 && Math.abs(lon) <= 180;

/** What a hash says; a part that cannot be understood is left out, never guessed. */
export function readPermalink(hash: string): Permalink {
  const query = new URLSearchParams(hash.replace(/^#/, ''));
  const [zoom, lat, lon] = numbers(query.get('map'), '/', 3) ?? [];
  const [placeLat, placeLon] = numbers(query.get('place'), '/', 2) ?? [];
  const language = query.get('lang');
  const layers = query.get('layers');
  return {
    view:
      zoom !== undefined && lat !== undefined && lon !== undefined && onTheGlobe(lat, lon) && zoom >= 0 && zoom <= 24
        ? { zoom, lat, lon }
        : null,
    city: query.get('city') || null,
    language: language === 'zh' || language === 'en' ? language : null,
    layers: layers === null ? null : layers.split(',').filter((layer) => /^[a-z][a-z0-9-]*$/.test(layer)),
    place: placeLat !== undefined && placeLon !== undefined && onTheGlobe(placeLat, placeLon) ? { lat: placeLat, lon: placeLon } : null,
  };
}

/** The hash of a permalink, with just the digits that a screen can show. */
export function writePermalink({ view, city, language, layers, place }: Permalink): string {
  const parts: string[] = [];
  if (view) parts.push(`map=${Number(view.zoom.toFixed(2))}/${view.lat.toFixed(5)}/${view.lon.toFixed(5)}`);
  if (city) parts.push(`city=${encodeURIComponent(city)}`);
  if (language) parts.push(`lang=${language}`);
  if (layers) parts.push(`layers=${layers.join(',')}`);
  if (place) parts.push(`place=${place.lat.toFixed(6)}/${place.lon.toFixed(6)}`);
  return `#${parts.join('&')}`;
}
