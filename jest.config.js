/** One jest project for each package; `npm test -w <folder>` runs one of them. */
export default {
  projects: [
    '<rootDir>/packages/protocol',
    '<rootDir>/packages/node-support',
    '<rootDir>/packages/api',
    '<rootDir>/packages/oci',
    '<rootDir>/packages/simulator',
    '<rootDir>/kernel-images/sandbox',
    '<rootDir>/kernel-images/supervisor',
    '<rootDir>/kernel-images/builder',
    '<rootDir>/server',
    '<rootDir>/extension'
  ]
};
