import { tagOf, type Language, type Messages } from './messages/index.ts';

const languages: [Language, string][] = [
  ['zh', '中文'],
  ['en', 'English'],
];

export const languageOfBrowser = (): Language => (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en');

interface Props {
  t: Messages;
  language: Language;
  onLanguage(language: Language): void;
}

/** The switch between the page's languages. */
export const Languages = ({ t, language, onLanguage }: Props) => (
  <div class="languages" role="group" aria-label={t.language}>
    {languages.map(([code, label]) => (
      <button key={code} type="button" lang={tagOf(code)} aria-pressed={code === language} onClick={() => onLanguage(code)}>
        {label}
      </button>
    ))}
  </div>
);

/** The name of the product in both languages. */
export const Brand = () => (
  <h1 class="brand">
    <span>
      <span lang="zh-CN">网格</span> <span lang="en">Wangge</span>
    </span>
  </h1>
);
