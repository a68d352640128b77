import * as routes from './routes.js';

export { routes };
export { PolicyFile } from './policy-file.js';
export { DatasetState, LedgerEntry, PrivacyAmount, SpendState } from './provisioning.js';
