export * from './answer.js';
export * from './mailbox.js';
export * from './obtain.js';
export * from './request.js';
