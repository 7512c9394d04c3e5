import type { City } from './api.ts';
import { Logo } from './icons.tsx';
import { nameIn, tagOf, type Language, type Messages } from './messages/index.ts';

interface Props {
  t: Messages;
  language: Language;
  onLanguage(language: Language): void;
  cities: City[];
  city: City | null;
  onCity(code: string): void;
}

const languages: [Language, string][] = [
  ['zh', '中文'],
  ['en', 'English'],
];

export function Header({ t, language, onLanguage, cities, city, onCity }: Props) {
  return (
    <header class="header">
      <Logo />
      <div class="titles">
      <h1 class="brand">
        <span>
          <span lang="zh-CN">网格</span> <span lang="en">Wangge</span>
        </span>
      </h1>
      {cities.length > 1 && city ? (
        <select class="city-picker" aria-label={t.city} value={city.code} onChange={(event) => onCity(event.currentTarget.value)}>
          {cities.map((one) => (
            <option key={one.code} value={one.code}>
              {nameIn(one.names, language)}
            </option>
          ))}
        </select>
      ) : (
        <p class="city-name">{nameIn(city?.names, language)}</p>
      )}
      </div>
      <p class="tagline">{t.tagline}</p>
      <div class="languages" role="group" aria-label={t.language}>
        {languages.map(([code, label]) => (
          <button key={code} type="button" lang={tagOf(code)} aria-pressed={code === language} onClick={() => onLanguage(code)}>
            {label}
          </button>
        ))}
      </div>
    </header>
  );
}
