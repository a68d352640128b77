export { default } from '../../../sandbox/test/support/global-setup.js';
