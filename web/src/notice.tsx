import { useEffect, useRef, useState } from 'preact/hooks';
import { ChevronIcon } from './icons.tsx';
import type { Messages } from './messages/index.ts';

/** What of the city is generated. On a phone two lines of it at first, with a button for the rest. */
export function Notice({ t, text }: { t: Messages; text: string }) {
  const line = useRef<HTMLParagraphElement>(null);
  const [open, setOpen] = useState(false);
  const [long, setLong] = useState(false);
  useEffect(() => {
    const measure = (): void => {
      if (line.current) setLong(open || line.current.scrollHeight > line.current.clientHeight + 1);
    };
    measure();
    addEventListener('resize', measure);
    return () => removeEventListener('resize', measure);
  }, [text, open]);
  return (
    <aside class={open ? 'notice notice-open' : 'notice'} aria-label={t.notice}>
      <p class="notice-text" ref={line}>
        {text}
      </p>
      {long && (
        <button type="button" class="notice-more" aria-expanded={open} aria-label={open ? t.noticeLess : t.noticeMore} onClick={() => setOpen(!open)}>
          <ChevronIcon />
        </button>
      )}
    </aside>
  );
}
