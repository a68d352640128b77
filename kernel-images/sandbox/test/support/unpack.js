// Unpacks the layers of an image. This is a separate program so that another user can run it.
import { LayoutStore } from '@clean-room/oci/layout';
import { UnpackedLayers } from '@clean-room/simulator/container';

const [folder, layout, ...layers] = process.argv.slice(2);
const stack = await new UnpackedLayers(folder).stack(await LayoutStore.open(layout), layers);
process.stdout.write(JSON.stringify(stack));
