/** A question to the server and what became of it: being asked, answered, or failed. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { Failure } from './api.ts';

export type Asked<T> = { state: 'asking' } | { state: 'answered'; answer: T } | { state: 'failed'; failure: Failure };

const asFailure = (error: unknown): Failure =>
  error instanceof Failure ? error : new Failure('refused', error instanceof Error ? error.message : String(error));

/**
 * Asks when `key` changes and drops an answer that comes after the next question. A null key asks nothing.
 * The second value asks the same question again.
 */
export function useAsked<T>(key: string | null, question: (signal: AbortSignal) => Promise<T>): [Asked<T>, () => void] {
  const [asked, setAsked] = useState<Asked<T>>({ state: 'asking' });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (key === null) return;
    const leave = new AbortController();
    setAsked({ state: 'asking' });
    question(leave.signal).then(
      (answer) => leave.signal.aborted || setAsked({ state: 'answered', answer }),
      (error: unknown) => leave.signal.aborted || setAsked({ state: 'failed', failure: asFailure(error) }),
    );
    return () => leave.abort();
    // `question` is a new function at every drawing; `key` stands for everything it depends on.
  }, [key, attempt]);
  return [asked, useCallback(() => setAttempt((before) => before + 1), [])];
}
