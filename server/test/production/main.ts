/**
 * Runs a clean room in production until it gets SIGTERM. Takes its options as JSON from the environment variable
 * `CLEAN_ROOM_TEST_PRODUCTION`, and writes `Everything is ready.` to standard error when it can be used.
 */
import { ProductionCleanRoom, type ProductionOptions } from './clean-room.js';

const options = JSON.parse(process.env['CLEAN_ROOM_TEST_PRODUCTION'] ?? '') as ProductionOptions;
const room = await ProductionCleanRoom.start(options);
process.on('SIGTERM', () => void room.stop().then(() => process.exit(0)));
process.stderr.write('Everything is ready.\n');
