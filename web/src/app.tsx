import { useCallback, useEffect, useState } from 'preact/hooks';
import { askCities, type City } from './api.ts';
import { useAsked } from './asked.ts';
import { CityMap, type Seen } from './city-map.tsx';
import { Header } from './header.tsx';
import { languageOfBrowser } from './languages.tsx';
import { messagesIn, nameIn, tagOf, type Language } from './messages/index.ts';
import { Notice } from './notice.tsx';
import { readPermalink, writePermalink } from './permalink.ts';
import { FailureText, NoCity, Screen } from './states.tsx';

export function App() {
  const [start] = useState(() => readPermalink(location.hash));
  const [language, setLanguage] = useState<Language>(start.language ?? languageOfBrowser());
  const [code, setCode] = useState(start.city);
  const [seen, setSeen] = useState<Seen>({ view: start.view, layers: start.layers, place: start.place });
  const [cities, askAgain] = useAsked('cities', (signal) => askCities(language, signal));
  const see = useCallback((change: Partial<Seen>) => setSeen((before) => ({ ...before, ...change })), []);
  const t = messagesIn(language);
  const loaded: City[] = cities.state === 'answered' ? cities.answer : [];
  const city = loaded.find((one) => one.code === code) ?? loaded[0] ?? null;

  useEffect(() => {
    document.documentElement.lang = tagOf(language);
    document.title = [nameIn(city?.names, language), '网格 Wangge'].filter(Boolean).join(' · ');
  }, [language, city]);
  useEffect(() => {
    if (city) history.replaceState(null, '', writePermalink({ ...seen, city: city.code, language }));
  }, [seen, city, language]);
  useEffect(() => {
    const reload = (): void => location.reload();
    addEventListener('hashchange', reload);
    return () => removeEventListener('hashchange', reload);
  }, []);

  const pick = (next: string): void => {
    setCode(next);
    setSeen({ view: null, layers: seen.layers, place: null });
  };
  const notice = nameIn(city?.notice, language);
  return (
    <>
      <a class="skip" href="#map" onClick={(event) => (event.preventDefault(), document.querySelector<HTMLElement>('.maplibregl-canvas')?.focus())}>
        {t.skipToMap}
      </a>
      <Header t={t} language={language} onLanguage={setLanguage} cities={loaded} city={city} onCity={pick} />
      {notice && <Notice t={t} text={notice} />}
      {city && <CityMap key={city.code} t={t} language={language} city={city} seen={seen} onSeen={see} />}
      {!city && (
        <main class="stage">
          {cities.state === 'asking' && <p class="screen busy" role="status">{t.loadingMap}</p>}
          {cities.state === 'failed' && (
            <Screen>
              <FailureText t={t} title={t.failed} failure={cities.failure} onRetry={askAgain} />
            </Screen>
          )}
          {cities.state === 'answered' && <NoCity t={t} onRetry={askAgain} />}
        </main>
      )}
    </>
  );
}
