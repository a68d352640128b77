export {
  listDatasets,
  publishDataset,
  reservePrivacy,
  returnPrivacy,
  spendPrivacy,
  uploadDataset,
  withdrawDataset
} from './provisioning.js';
