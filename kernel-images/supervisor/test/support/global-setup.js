/** The stages of the sandbox's room: a small kernel image, or the one that CLEAN_ROOM_TEST_ROOTFS names. */
export { default } from '../../../sandbox/test/support/global-setup.js';
