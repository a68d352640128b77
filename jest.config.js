/** One project a room; each runs alone with `npm test -w <room>`. */
export default {
  projects: [
    '<rootDir>/protocol',
    '<rootDir>/kernel-images/oci',
    '<rootDir>/kernel-images/builder',
    '<rootDir>/kernel-images/sandbox',
    '<rootDir>/kernel-images/supervisor',
    '<rootDir>/simulator',
    '<rootDir>/server',
    '<rootDir>/extension'
  ]
};
