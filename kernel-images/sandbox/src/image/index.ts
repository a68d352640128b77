export { ImageDecoder } from './decoder.js';
export type { DecodedImage, ImageDecoderOptions } from './decoder.js';
