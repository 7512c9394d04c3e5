/** Who is logged in on this device, and how one logs in and out. The login itself is a cookie that no script reads. */
import { ask, send } from './api.ts';
import type { Language } from './messages/index.ts';

export interface Me {
  account: { login: string; name: string } | null;
}

export interface Ways {
  provider: string | null;
}

export const askMe = (language: Language, signal?: AbortSignal): Promise<Me> => ask('/api/v1/me', language, signal);

export const askWays = (language: Language, signal?: AbortSignal): Promise<Ways> => ask('/api/v1/login', language, signal);

/** Log in; with `taken` that is the password from here on, which one that somebody else has set needs. */
export const logIn = (login: string, password: string, taken: string | null, language: Language): Promise<void> =>
  send('/api/v1/login', taken === null ? { login, password } : { login, password, new: taken }, language);

export const logOut = (language: Language): Promise<void> => send('/api/v1/logout', null, language);
