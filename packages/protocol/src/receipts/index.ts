export { providersOf } from './evidence.js';
export { Receipt, TrustRoots } from './receipt.js';
export type { ReceiptStep, ReceiptStepStatus, ReceiptAppraisal } from './steps.js';
export { verifyReceipt } from './verify.js';
