// Characters that would be invisible, or turn the text around them: C0 controls but tab and line feed, and those of writing direction.
// biome-ignore lint/suspicious/noControlCharactersInRegex: They are what is looked for.
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** visible writes characters that nobody would see as signs, one for one, so that positions stay. */
export function visible(text: string): string {
  return text.replace(unseen, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? "\u2421" : "\ufffd";
  });
}

/** cutAt returns a length near to the wanted one at which no character is torn apart. */
export function cutAt(text: string, wanted: number): number {
  if (wanted >= text.length) return text.length;
  const code = text.charCodeAt(wanted - 1);
  return code >= 0xd800 && code < 0xdc00 ? wanted + 1 : wanted;
}
