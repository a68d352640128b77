export { Approval, ApprovalBundle, PasskeyAssertion } from './approval.js';
export { type ApprovalContext, verifyApproval } from './verify.js';
