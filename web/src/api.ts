/** The questions this page asks the server, and the shapes of the answers (`/api/v1`). */
import { tagOf, type Language } from './messages/index.ts';

export type Names = Readonly<Record<string, string>>;
export type Bounds = [west: number, south: number, east: number, north: number];

export interface City {
  code: string;
  names: Names;
  notice: Names;
  attribution: string;
  bounds: Bounds;
  edition: { id: number; number: number; status: string; adopted_at: string | null } | null;
  levels: { key: string; kind: 'area' | 'duty_grid'; rank: number; names: Names }[];
  counts: {
    areas: Readonly<Record<string, number>>;
    cells: number;
    blocks: number;
    segments: number;
    duty_grids: number;
    owners: number;
    incidents: number;
    incidents_assigned: number;
  };
}

export interface Person {
  code: string;
  name: string;
  generated: boolean;
}

export interface Rung {
  level: string;
  level_names: Names;
  code: string;
  names: Names;
}

export interface Place {
  how: 'inside' | 'border' | 'nearest' | 'outside';
  cell: string | null;
  street_unit: { code: string; area_m2: number } | null;
  segment: { code: string; names: Names; side: string | null; offset_m: number | null } | null;
  duty_grid: { code: string; names: Names } | null;
  owner: Person | null;
  deputy: Person | null;
  ladder: Rung[];
  dispatch: Dispatch | null;
}

/** Who answers just now: not the one who holds the post of the duty grid when that one is away, or another place comes first. */
export interface Dispatch {
  by: Person | null;
  sentence: Names;
}

export interface Position {
  lon: number;
  lat: number;
}

/** Why a question got no answer: nothing answered at all, or the server refused and said why. */
export class Failure extends Error {
  readonly kind: 'unreachable' | 'refused';
  /** The name of the refusal (docs/problems.md), empty where the server named none. */
  readonly slug: string;

  constructor(kind: 'unreachable' | 'refused', message: string, slug = '') {
    super(message);
    this.kind = kind;
    this.slug = slug;
  }
}

/** The refusal in a problem document (RFC 9457), else the status. */
async function refusalOf(response: Response): Promise<Failure> {
  try {
    const problem: unknown = await response.json();
    if (typeof problem === 'object' && problem !== null) {
      const slug = 'type' in problem && typeof problem.type === 'string' ? problem.type.replace('/problems/', '') : '';
      if ('detail' in problem && typeof problem.detail === 'string') return new Failure('refused', problem.detail, slug);
      if ('title' in problem && typeof problem.title === 'string') return new Failure('refused', problem.title, slug);
    }
  } catch {
    // The body was not JSON: the status is all there is to tell.
  }
  return new Failure('refused', `HTTP ${response.status} ${response.statusText}`.trim());
}

async function reply(path: string, language: Language, how: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...how, headers: { 'Accept-Language': tagOf(language), ...how.headers } });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Failure('unreachable', path);
  }
}

/** The answer to a question. A login that is over is given up, and the question asked as nobody. */
export async function ask<T>(path: string, language: Language, signal?: AbortSignal): Promise<T> {
  const question = { signal: signal ?? null };
  let response = await reply(path, language, question);
  if (response.status === 401) {
    await reply('/api/v1/logout', language, { method: 'POST', ...question });
    response = await reply(path, language, question);
  }
  if (!response.ok) throw await refusalOf(response);
  return (await response.json()) as T;
}

/** Send something that is answered by nothing, or refused. */
export async function send(path: string, said: unknown, language: Language): Promise<void> {
  const body = said === null ? {} : { body: JSON.stringify(said), headers: { 'Content-Type': 'application/json' } };
  const response = await reply(path, language, { method: 'POST', ...body });
  if (!response.ok) throw await refusalOf(response);
}

export const askCities = (language: Language, signal?: AbortSignal): Promise<City[]> =>
  ask('/api/v1/cities', language, signal);

/** Who answers at a position in `city`: another loaded city may hold the same ground. */
export function askPlace(city: string, { lon, lat }: Position, language: Language, signal?: AbortSignal): Promise<Place> {
  const query = new URLSearchParams({ lon: lon.toFixed(7), lat: lat.toFixed(7), datum: 'wgs84', city });
  return ask(`/api/v1/locate?${query}`, language, signal);
}

export function askStyle<T>(city: string, language: Language, signal?: AbortSignal): Promise<T> {
  const query = new URLSearchParams({ lang: language, city });
  return ask(`/styles/light.json?${query}`, language, signal);
}
