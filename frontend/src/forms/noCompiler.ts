/**
 * Stands in for `@rjsf/validator-ajv8`, which the form library's test helper imports although no
 * page uses it. That validator compiles schemas with `new Function`, which our policy forbids.
 */
export default {};
