// Package limit counts what clients ask for, and says when it is too much.
//
// A Table has an entry for each pair of a client's address and a subject, such as an
// Ingress: what the client owes at two rates, and how many exchanges it has in
// progress. The rates are those of nginx's limit_req with nodelay, a leaky bucket
// that refuses and never delays; the count is that of limit_conn.
//
// A table is of one size, whatever clients do. It is divided into small sets, each
// with a lock of its own that is held for some nanoseconds. When a set is full, what
// owes least is forgotten. Nothing is allocated after the table was made.
package limit
