/** The basemap's archive on this server, read piece by piece. */
import { PMTiles, type RangeResponse, type Source } from 'pmtiles';

/**
 * Ranges of one file, never from the browser's cache: Chromium now and then breaks off the body of a cached range
 * when several ranges of one file are read at once, and a tile is then missing from the map.
 */
export class ArchiveSource implements Source {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  getKey(): string {
    return this.#url;
  }

  async getBytes(offset: number, length: number, signal?: AbortSignal): Promise<RangeResponse> {
    const response = await fetch(this.#url, {
      cache: 'no-store',
      headers: { range: `bytes=${offset}-${offset + length - 1}` },
      signal: signal ?? null,
    });
    if (!response.ok) throw new Error(`${this.#url}: HTTP ${response.status}`);
    const data = await response.arrayBuffer();
    // A server that does not know ranges sends the whole file.
    return { data: response.status === 206 ? data : data.slice(offset, offset + length) };
  }
}

/** The archive that a style's `pmtiles://` address names; null when it names none. */
export function archiveOf(address: string | undefined): PMTiles | null {
  const [, url] = address?.match(/^pmtiles:\/\/(.+)$/) ?? [];
  return url ? new PMTiles(new ArchiveSource(url)) : null;
}
