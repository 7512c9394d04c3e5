import { en, type Messages } from './en.ts';
import { zh } from './zh.ts';

export type Language = 'zh' | 'en';
export type { Messages };

const messages: Record<Language, Messages> = { zh, en };

export const messagesIn = (language: Language): Messages => messages[language];

/** The tag that `<html lang>`, `Accept-Language` and number formats want. */
export const tagOf = (language: Language): string => (language === 'zh' ? 'zh-CN' : 'en');

/** The name in the language, else in English, else the first there is, else an empty text. */
export function nameIn(names: Readonly<Record<string, string>> | null | undefined, language: Language): string {
  if (!names) return '';
  return names[language] || names['en'] || Object.values(names)[0] || '';
}
