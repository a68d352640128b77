import { drawPng, type Pixels } from './rich/png.js';

/** Decodes a PNG or JPEG where it can do no harm; rejects what is none. */
export type DecodeImage = (image: Uint8Array) => Promise<Pixels>;

const LONGEST_SIDE = 8192;

/** An image drawn anew from its pixels, as base64; `undefined` when it is no image that can be. */
export async function redrawImage(base64: string, decode: DecodeImage): Promise<string | undefined> {
  const text = base64.replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  try {
    const pixels = await decode(Buffer.from(text, 'base64'));
    if (pixels.width > LONGEST_SIDE || pixels.height > LONGEST_SIDE) return undefined;
    return Buffer.from(drawPng(pixels)).toString('base64');
  } catch {
    // Whatever the decoder says of it: what can't be drawn does not leave.
    return undefined;
  }
}
