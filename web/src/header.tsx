import { askMe } from './account.ts';
import type { City } from './api.ts';
import { useAsked } from './asked.ts';
import { Logo, PersonIcon } from './icons.tsx';
import { Brand, Languages } from './languages.tsx';
import { nameIn, type Language, type Messages } from './messages/index.ts';
import { loginAddress } from './onward.ts';

interface Props {
  t: Messages;
  language: Language;
  onLanguage(language: Language): void;
  cities: City[];
  city: City | null;
  onCity(code: string): void;
}

export function Header({ t, language, onLanguage, cities, city, onCity }: Props) {
  return (
    <header class="header">
      <Logo />
      <div class="titles">
        <Brand />
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
      <Account t={t} language={language} />
      <Languages t={t} language={language} onLanguage={onLanguage} />
    </header>
  );
}

/** Who is logged in, and the way to the page where one logs in and out. */
function Account({ t, language }: { t: Messages; language: Language }) {
  const [me] = useAsked('me', (signal) => askMe(language, signal));
  const account = me.state === 'answered' ? me.answer.account : null;
  const label = account ? t.loggedInAs(account.name) : t.logIn;
  // The permalink is in the address only when it is pressed.
  const go = (event: MouseEvent): void => {
    event.preventDefault();
    location.assign(loginAddress(location, language));
  };
  return (
    <a class="account" href="/login" aria-label={label} title={label} onClick={go}>
      <PersonIcon />
      <span class="account-name">{account?.name ?? t.logIn}</span>
    </a>
  );
}
