// handfast/mask: payload masking (§5.3), usable alone.

export { type KeySource, randomKey } from './key.ts';
export { mask, maskInto, rotateKey } from './mask.ts';
