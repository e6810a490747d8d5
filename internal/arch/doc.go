// Package arch holds no program, only the tests that keep the house in order:
// who may import whom, how long files and functions are, where SQL stands and
// which function alone changes an agent's status, what names are not used,
// and what lies at the top of the repository. Each check is a function from a
// tree of files to sentences about what is wrong, tested on bad trees too.
package arch
