/** The map of one city with everything that floats above it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { askPlace, askStyle, type City, type Position } from './api.ts';
import { useAsked } from './asked.ts';
import { MinusIcon, PlusIcon, TargetIcon, WholeIcon } from './icons.tsx';
import { LayerPanel } from './layer-panel.tsx';
import { dressed, shownAtFirst, type WanggeStyle } from './map/style.ts';
import type { MapView } from './map/view.ts';
import type { Language, Messages } from './messages/index.ts';
import type { View } from './permalink.ts';
import { PlaceCard } from './place-card.tsx';
import { FailureText, Screen } from './states.tsx';

export interface Seen {
  view: View | null;
  layers: string[] | null;
  place: Position | null;
}

interface Props {
  t: Messages;
  language: Language;
  city: City;
  seen: Seen;
  onSeen(change: Partial<Seen>): void;
}

export function CityMap({ t, language, city, seen, onSeen }: Props) {
  const container = useRef<HTMLDivElement>(null);
  const map = useRef<MapView | null>(null);
  const [open, setOpen] = useState(false);
  const [mapFailure, setMapFailure] = useState<string | null>(null);
  const [style, askStyleAgain] = useAsked(`${city.code} ${language}`, (signal) => askStyle<WanggeStyle>(city.code, language, signal));
  const { place } = seen;
  const [answer, askAgain] = useAsked(place && `${city.code} ${place.lon} ${place.lat}`, (signal) => askPlace(city.code, place as Position, language, signal));
  // While the style is asked for in another language, the one that is shown stays.
  const lastSheet = useRef<WanggeStyle | null>(null);
  if (style.state === 'answered') lastSheet.current = style.answer;
  const sheet = lastSheet.current;
  const shown = seen.layers ?? (sheet ? shownAtFirst(sheet) : []);
  const block = place && answer.state === 'answered' ? (answer.answer.street_unit?.code ?? null) : null;

  useEffect(() => {
    if (!sheet || !container.current) return;
    const wear = dressed(sheet, shown, block);
    if (map.current) {
      map.current.show(wear);
      return;
    }
    let left = false;
    void import('./map/view.ts').then(({ openMap }) => {
      if (left || !container.current) return;
      map.current = openMap({
        container: container.current,
        style: wear,
        view: seen.view,
        bounds: city.bounds,
        onAsk: (position) => onSeen({ place: position }),
        onMove: (view) => onSeen({ view }),
        onFailure: setMapFailure,
      });
      setOpen(true);
    }, (error: Error) => setMapFailure(error.message));
    return () => void (left = true);
  }, [sheet]);

  useEffect(() => () => map.current?.remove(), []);
  useEffect(() => map.current?.nameIt(t.mapLabel), [open, t]);
  useEffect(() => map.current?.mark(place, block), [open, place?.lon, place?.lat, block]);
  useEffect(() => {
    const close = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') onSeen({ place: null });
    };
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  }, []);

  const toggle = (layer: string, visible: boolean): void => {
    onSeen({ layers: visible ? [...shown, layer] : shown.filter((one) => one !== layer) });
    map.current?.showOverlay(layer, visible);
  };
  const askCentre = (): void => {
    if (map.current) onSeen({ place: map.current.centre() });
  };

  return (
    <main class={place ? 'stage stage-asked' : 'stage'} id="map">
      <div class="map" ref={container} />
      {style.state === 'failed' && !open && (
        <Screen>
          <FailureText t={t} title={t.failed} failure={style.failure} onRetry={askStyleAgain} />
        </Screen>
      )}
      {style.state !== 'failed' && !open && !mapFailure && <p class="screen busy" role="status">{t.loadingMap}</p>}
      {sheet && (
        <LayerPanel t={t} language={language} city={city} legend={sheet.metadata['wangge:legend']} shown={shown} onToggle={toggle} />
      )}
      {open && (
        <div class="controls">
          <button type="button" class="round" aria-label={t.zoomIn} title={t.zoomIn} onClick={() => map.current?.zoomBy(1)}><PlusIcon /></button>
          <button type="button" class="round" aria-label={t.zoomOut} title={t.zoomOut} onClick={() => map.current?.zoomBy(-1)}><MinusIcon /></button>
          <button type="button" class="round" aria-label={t.wholeCity} title={t.wholeCity} onClick={() => map.current?.whole(city.bounds)}><WholeIcon /></button>
          <button type="button" class="round" aria-label={t.askCentre} title={t.askCentre} onClick={askCentre}><TargetIcon /></button>
        </div>
      )}
      {open && !place && <p class="hint">{t.hint}</p>}
      {mapFailure && (
        <p class="warning" role="alert">
          {t.layerFailed}: {mapFailure}
        </p>
      )}
      {place && (
        <PlaceCard t={t} language={language} city={city} position={place} asked={answer} onClose={() => onSeen({ place: null })} onRetry={askAgain} />
      )}
    </main>
  );
}
