/** The few icons of the page, drawn here so that none is fetched. */
import type { ComponentChildren } from 'preact';

const Icon = ({ children }: { children: ComponentChildren }) => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    {children}
  </svg>
);

export const CloseIcon = () => <Icon><path d="M6 6l12 12M18 6L6 18" /></Icon>;
export const PlusIcon = () => <Icon><path d="M12 5v14M5 12h14" /></Icon>;
export const MinusIcon = () => <Icon><path d="M5 12h14" /></Icon>;
export const WholeIcon = () => <Icon><path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5" /></Icon>;
export const LayersIcon = () => <Icon><path d="M12 4l9 5-9 5-9-5zM3 14l9 5 9-5" /></Icon>;
export const ChevronIcon = () => <Icon><path d="M6 15l6-6 6 6" /></Icon>;
export const TargetIcon = () => <Icon><circle cx="12" cy="12" r="5.5" /><path d="M12 2.5v5M12 16.5v5M2.5 12h5M16.5 12h5" /></Icon>;

export const PersonIcon = () => <Icon><circle cx="12" cy="8" r="4" /><path d="M4 20c1.2-4 4.2-6 8-6s6.8 2 8 6" /></Icon>;

export const Logo = () => (
  <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path d="M16 3.5l11 6.25v12.5L16 28.5 5 22.25V9.750z" />
    <path d="M16 16V3.5M16 16l11 6.25M16 16L5 22.25" />
    <circle cx="16" cy="16" r="3.4" />
  </svg>
);
