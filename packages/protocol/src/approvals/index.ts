export { Approval, ApprovalBundle, PasskeyAssertion, simulationOnlyReason } from './approval.js';
export { type ApprovalContext, verifyApproval } from './verify.js';
