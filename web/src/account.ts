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

export const logIn = (login: string, password: string, language: Language): Promise<void> =>
  send('/api/v1/login', { login, password }, language);

export const logOut = (language: Language): Promise<void> => send('/api/v1/logout', null, language);
