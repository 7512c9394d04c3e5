/** What the page changes in the style that the server sends: which overlays are seen, and which block is marked. */
import type { FilterSpecification, StyleSpecification } from 'maplibre-gl';

export interface Swatch {
  form: 'fill' | 'line' | 'dash' | 'point' | 'set';
  colours: string[];
  label: string;
}

export interface LegendEntry {
  layer: string;
  title: string;
  swatches: Swatch[];
}

export interface WanggeStyle extends StyleSpecification {
  metadata: {
    'wangge:overlays': { layer: string; visible: boolean }[];
    'wangge:legend': LegendEntry[];
  };
}

interface LayerMetadata {
  'wangge:overlay'?: string;
  'wangge:role'?: string;
}

export const metadataOf = (layer: { metadata?: unknown }): LayerMetadata => (layer.metadata ?? {}) as LayerMetadata;

export const shownAtFirst = (style: WanggeStyle): string[] =>
  style.metadata['wangge:overlays'].filter((overlay) => overlay.visible).map((overlay) => overlay.layer);

export const selectionFilter = (block: string | null): FilterSpecification => ['==', ['get', 'code'], block ?? ''];

/** The style with just the overlays of `shown` visible and the block of that code marked. */
export function dressed(style: WanggeStyle, shown: readonly string[], block: string | null): WanggeStyle {
  const layers = style.layers.map((layer) => {
    const { 'wangge:overlay': overlay, 'wangge:role': role } = metadataOf(layer);
    if (overlay) {
      const visibility = shown.includes(overlay) ? 'visible' : 'none';
      return { ...layer, layout: { ...layer.layout, visibility } } as typeof layer;
    }
    return role === 'selected-block' ? ({ ...layer, filter: selectionFilter(block) } as typeof layer) : layer;
  });
  return { ...style, layers };
}
