/** Where a log-in leads: a page of this server, never another host (`//host` and `/\host` are such to a browser). */
export function onwardOf(search: string): string {
  const said = new URLSearchParams(search).get('onward') ?? '';
  return /^\/(?![/\\])[\x20-\x7e]*$/.test(said) && !said.includes('\\') ? said : '/map';
}

/** The address of the log-in page that leads back to the page that is open. */
export const loginAddress = (here: { pathname: string; search: string; hash: string }, language: string): string =>
  `/login?${new URLSearchParams({ onward: here.pathname + here.search + here.hash, lang: language })}`;
