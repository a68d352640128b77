export { readLaunchPolicy, type LaunchPolicy, type LogRedirectRule, type Monitoring } from './labels.js';
export { checkLaunch, planLaunch, type LaunchMetadata, type LaunchMount, type LaunchPlan } from './launch.js';
