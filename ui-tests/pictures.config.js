import config from './playwright.config.js';

/** Configuration that takes the screenshots of the README: `npm run pictures -w ui-tests`. */
export default { ...config, testDir: 'pictures', retries: 0 };
