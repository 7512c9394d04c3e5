/** The log-in page: with a password, through the provider when there is one; who is logged in, and out again. */
import { useEffect, useState } from 'preact/hooks';
import { askMe, askWays, logIn, logOut } from './account.ts';
import { Failure } from './api.ts';
import { useAsked } from './asked.ts';
import { Logo } from './icons.tsx';
import { Brand, languageOfBrowser, Languages } from './languages.tsx';
import { messagesIn, tagOf, type Language, type Messages } from './messages/index.ts';
import { onwardOf } from './onward.ts';

const asked = new URLSearchParams(location.search);
const languageAsked = (): Language => {
  const said = asked.get('lang');
  return said === 'zh' || said === 'en' ? said : languageOfBrowser();
};

/** What a failed way through the provider is called in the address. */
const problemOf = (t: Messages): string | null => {
  const slug = asked.get('problem');
  if (slug === null) return null;
  return slug === 'provider-failed' ? t.providerFailed : t.logInRefused;
};

export function LoginPage() {
  const [language, setLanguage] = useState<Language>(languageAsked());
  const [me] = useAsked('me', (signal) => askMe(language, signal));
  const t = messagesIn(language);
  useEffect(() => {
    document.documentElement.lang = tagOf(language);
    document.title = `${t.logIn} · 网格 Wangge`;
  }, [language, t]);
  const account = me.state === 'answered' ? me.answer.account : null;
  return (
    <>
      <header class="header">
        <Logo />
        <div class="titles">
          <Brand />
        </div>
        <p class="tagline">{t.tagline}</p>
        <Languages t={t} language={language} onLanguage={setLanguage} />
      </header>
      <main class="login">
        {me.state !== 'asking' && (account ? <LoggedIn t={t} language={language} name={account.name} login={account.login} /> : <Form t={t} language={language} />)}
        <p>
          <a class="plain" href={onwardOf(location.search)}>
            {t.toTheMap}
          </a>
        </p>
      </main>
    </>
  );
}

function Form({ t, language }: { t: Messages; language: Language }) {
  const [ways] = useAsked('ways', (signal) => askWays(language, signal));
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const [choosing, setChoosing] = useState(false);
  const provider = ways.state === 'answered' ? ways.answer.provider : null;
  const problem = failure ?? problemOf(t);
  const onward = onwardOf(location.search);

  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const said = new FormData(event.currentTarget);
    setBusy(true);
    setFailure(null);
    const taken = said.get('new');
    logIn(String(said.get('login')), String(said.get('password')), taken === null ? null : String(taken), language).then(
      () => location.replace(onward),
      (error: unknown) => {
        setBusy(false);
        const once = error instanceof Failure && error.slug === 'one-time-password' && taken === null;
        if (once) setChoosing(true);
        if (once) setFailure(t.chooseYourOwn);
        else setFailure(error instanceof Failure && error.kind === 'refused' ? error.message : t.unreachable);
      },
    );
  };

  return (
    <section class="login-box" aria-labelledby="log-in">
      <h2 id="log-in">{t.logIn}</h2>
      {problem && (
        <p class="login-problem" role="alert">
          {problem}
        </p>
      )}
      <form onSubmit={send}>
        <label>
          <span>{t.loginName}</span>
          <input name="login" type="text" autocomplete="username" autocapitalize="none" spellcheck={false} maxLength={63} required />
        </label>
        <label>
          <span>{t.password}</span>
          <input name="password" type="password" autocomplete="current-password" maxLength={256} required />
        </label>
        {choosing && (
          <label>
            <span>{t.newPassword}</span>
            <input name="new" type="password" autocomplete="new-password" minLength={12} maxLength={256} required />
          </label>
        )}
        <button type="submit" class="button" disabled={busy}>
          {busy ? t.loggingIn : t.logIn}
        </button>
      </form>
      {provider && (
        <a class="button button-other" href={`/login/oidc?${new URLSearchParams({ onward })}`}>
          {t.logInThrough(provider)}
        </a>
      )}
    </section>
  );
}

interface LoggedInProps {
  t: Messages;
  language: Language;
  name: string;
  login: string;
}

function LoggedIn({ t, language, name, login }: LoggedInProps) {
  const leave = (): void => {
    void logOut(language).finally(() => location.replace('/login'));
  };
  return (
    <section class="login-box">
      <h2>{t.loggedInAs(name)}</h2>
      <p>{login}</p>
      <button type="button" class="button" onClick={leave}>
        {t.logOut}
      </button>
    </section>
  );
}
