import { setTimeout as pause } from 'node:timers/promises';
import prepareStages from '../../../sandbox/test/support/global-setup.js';

const ATTEMPTS = 30;

/** The stages of the sandbox's room: a small kernel image, or the one that CLEAN_ROOM_TEST_ROOTFS names. */
export default async function prepare() {
  for (let attempt = 1; ; attempt++) {
    try {
      return await prepareStages();
    } catch (error) {
      // The sandbox's own tests, run at the same time, execute the very files that are put in place.
      if (error?.code !== 'ETXTBSY' || attempt === ATTEMPTS) throw error;
      await pause(1000);
    }
  }
}
