/** What the page says when there is no map to show yet, or none at all. */
import type { ComponentChildren } from 'preact';
import type { Failure } from './api.ts';
import type { Messages } from './messages/index.ts';

interface FailureProps {
  t: Messages;
  title: string;
  failure: Failure;
  onRetry(): void;
}

/** What failed, why, and how to mend it. */
export function FailureText({ t, title, failure, onRetry }: FailureProps) {
  const unreachable = failure.kind === 'unreachable';
  return (
    <div role="alert">
      <h2>{unreachable ? t.unreachable : title}</h2>
      <p>
        {unreachable ? t.unreachableHelp : failure.message} {unreachable && <code>./wangge demo</code>}
      </p>
      <button type="button" class="button" onClick={onRetry}>
        {t.tryAgain}
      </button>
    </div>
  );
}

export const Screen = ({ children }: { children: ComponentChildren }) => <div class="screen">{children}</div>;

export const NoCity = ({ t, onRetry }: { t: Messages; onRetry(): void }) => (
  <Screen>
    <h2>{t.noCity}</h2>
    <p>{t.noCityHelp}</p>
    <p>
      <code>./wangge demo</code>
    </p>
    <button type="button" class="button" onClick={onRetry}>
      {t.tryAgain}
    </button>
  </Screen>
);
