import config from './playwright.config.js';

/** Takes the pictures of the README: `npm run pictures -w ui-tests`. */
export default { ...config, testDir: 'pictures', retries: 0 };
