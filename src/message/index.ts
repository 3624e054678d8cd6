// Messages (§5.4, §5.6): fragments to whole messages, and the UTF-8 rule for text (§8.1).

export { Assembler, invalidUtf8 } from './assembler.ts';
export { Utf8Validator } from './utf8.ts';
