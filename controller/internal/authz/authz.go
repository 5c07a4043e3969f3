// Package authz decides who may do what. It is pure: an actor carries its
// grants, a target says where it stands, and Can answers from those alone, so
// that the same decision serves the API and every delivery of the broker.
//
// A grant is a permission pattern in a scope. A pattern is a verb
// (container.start), a prefix (container.*) or everything (*).
package authz
