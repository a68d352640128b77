import { LayoutStore } from '../../src/layout/layout-store.js';
import { makeKernelImage, putKernelImage } from './image.js';

/** A program that writes images to a layout folder until it is killed, and prints the digest of each stored image. */
const [, , folder = '', prefix = ''] = process.argv;
const store = await LayoutStore.open(folder);
for (let n = 0; ; n++) {
  const image = await makeKernelImage([300_000, 100]);
  process.stdout.write(`${await putKernelImage(store, image, `${prefix}-${n}`)} ${prefix}-${n}\n`);
}
