import { composeImage } from '@clean-room/protocol/packaging';
import { readWorkspace } from '../../src/workspace/read-workspace.js';
import { fixedKernelImage } from './fixed-image.js';
import { specOver } from './image.js';
import { WORKSPACE, writeWorkspace } from './workspace.js';

/**
 * A program of its own: writes the workspace into a folder as whoever it runs as, in an order that depends on the seed,
 * and prints the digest of the image that it gives.
 */
const [, , folder = '', seed = '1'] = process.argv;
const names = Object.keys(WORKSPACE);
const turned = [...names.slice(Number(seed) % names.length), ...names.slice(0, Number(seed) % names.length)];
writeWorkspace(folder, turned);
const files = await readWorkspace(folder);
const kernelImage = fixedKernelImage();
const image = await composeImage(kernelImage, specOver(files, kernelImage), [...files].reverse());
process.stdout.write(image.imageDigest);
