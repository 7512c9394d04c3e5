import { useState } from 'preact/hooks';
import type { City } from './api.ts';
import { ChevronIcon, LayersIcon } from './icons.tsx';
import type { LegendEntry, Swatch } from './map/style.ts';
import { tagOf, type Language, type Messages } from './messages/index.ts';

interface Props {
  t: Messages;
  language: Language;
  city: City;
  legend: LegendEntry[];
  shown: readonly string[];
  onToggle(layer: string, visible: boolean): void;
}

function countOf(layer: string, { counts }: City): number | null {
  switch (layer) {
    case 'areas':
      return Object.values(counts.areas).reduce((sum, count) => sum + count, 0);
    case 'duty-grids':
      return counts.duty_grids;
    case 'blocks':
    case 'cells':
    case 'segments':
    case 'incidents':
      return counts[layer];
    default:
      return null;
  }
}

function Mark({ swatch }: { swatch: Swatch }) {
  const [colour] = swatch.colours;
  if (swatch.form === 'set') {
    return (
      <span class="mark mark-set">
        {swatch.colours.map((one) => (
          <i key={one} style={{ background: one }} />
        ))}
      </span>
    );
  }
  return <span class={`mark mark-${swatch.form}`} style={{ color: colour }} />;
}

/** The overlays with their legend: a card at the side, on a phone a sheet behind a button. */
export function LayerPanel({ t, language, city, legend, shown, onToggle }: Props) {
  const [open, setOpen] = useState(() => innerWidth >= 720);
  const format = new Intl.NumberFormat(tagOf(language));
  return (
    <section class={open ? 'panel panel-open' : 'panel'} aria-label={t.layers}>
      <button
        type="button"
        class="panel-head"
        aria-expanded={open}
        aria-controls="layers"
        aria-label={open ? t.closeLayers : t.openLayers}
        onClick={() => setOpen(!open)}
      >
        <LayersIcon />
        <span>{t.layers}</span>
        <ChevronIcon />
      </button>
      <ul id="layers" class="layers" hidden={!open}>
        {legend.map((entry) => {
          const count = countOf(entry.layer, city);
          const visible = shown.includes(entry.layer);
          return (
            <li key={entry.layer} class={visible ? 'layer layer-shown' : 'layer'}>
              <label class="layer-head">
                <input
                  type="checkbox"
                  name={entry.layer}
                  checked={visible}
                  onChange={(event) => onToggle(entry.layer, event.currentTarget.checked)}
                />
                <span class="layer-title">{entry.title}</span>
                {count !== null && <span class="layer-count">{format.format(count)}</span>}
              </label>
              {visible && (
                <ul class="swatches">
                  {entry.swatches.map((swatch) => (
                    <li key={swatch.label}>
                      <Mark swatch={swatch} />
                      {swatch.label}
                    </li>
                  ))}
                </ul>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
