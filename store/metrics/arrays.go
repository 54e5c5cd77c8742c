package metrics

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Postgres's binary form of one-dimensional arrays, read and written by hand: samples pass
// through here by the million, and a general codec costs more per element than everything
// else together.

// Type oids of array elements.
const (
	oidBytea  = 17
	oidInt8   = 20
	oidInt4   = 23
	oidFloat8 = 701
)

// arrayHeader is the size of what precedes the elements: dimensions, null flag, element type,
// length, lower bound.
const arrayHeader = 20

func appendArrayHeader(dst []byte, oid, n int) []byte {
	if n == 0 { // an empty array has no dimension
		dst = binary.BigEndian.AppendUint32(dst, 0)
		dst = binary.BigEndian.AppendUint32(dst, 0)
		return binary.BigEndian.AppendUint32(dst, uint32(oid))
	}
	dst = binary.BigEndian.AppendUint32(dst, 1)
	dst = binary.BigEndian.AppendUint32(dst, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(oid))
	dst = binary.BigEndian.AppendUint32(dst, uint32(n))
	return binary.BigEndian.AppendUint32(dst, 1)
}

func appendInt8Array(dst []byte, vs []int64) []byte {
	dst = appendArrayHeader(dst, oidInt8, len(vs))
	for _, v := range vs {
		dst = binary.BigEndian.AppendUint32(dst, 8)
		dst = binary.BigEndian.AppendUint64(dst, uint64(v))
	}
	return dst
}

func appendInt4Array(dst []byte, vs []int32) []byte {
	dst = appendArrayHeader(dst, oidInt4, len(vs))
	for _, v := range vs {
		dst = binary.BigEndian.AppendUint32(dst, 4)
		dst = binary.BigEndian.AppendUint32(dst, uint32(v))
	}
	return dst
}

func appendFloat8Array(dst []byte, vs []float64) []byte {
	dst = appendArrayHeader(dst, oidFloat8, len(vs))
	for _, v := range vs {
		dst = binary.BigEndian.AppendUint32(dst, 8)
		dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(v))
	}
	return dst
}

func appendByteaArray(dst []byte, vs [][]byte) []byte {
	dst = appendArrayHeader(dst, oidBytea, len(vs))
	for _, v := range vs {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(v)))
		dst = append(dst, v...)
	}
	return dst
}

// readArray checks the header and returns the elements and their number.
func readArray(b []byte, oid int) (elements []byte, n int, err error) {
	if len(b) < 12 || binary.BigEndian.Uint32(b[8:]) != uint32(oid) {
		return nil, 0, fmt.Errorf("value of %d bytes is no array of type %d", len(b), oid)
	}
	if binary.BigEndian.Uint32(b) == 0 {
		return nil, 0, nil
	}
	if len(b) < arrayHeader || binary.BigEndian.Uint32(b) != 1 || binary.BigEndian.Uint32(b[4:]) != 0 {
		return nil, 0, fmt.Errorf("array has nulls or several dimensions")
	}
	return b[arrayHeader:], int(binary.BigEndian.Uint32(b[12:])), nil
}

// readFixed reads an array whose elements have one size.
func readFixed[T any](b []byte, oid, size int, value func([]byte) T) ([]T, error) {
	elements, n, err := readArray(b, oid)
	if err != nil || n == 0 {
		return nil, err
	}
	if len(elements) != n*(4+size) {
		return nil, fmt.Errorf("array of %d elements has %d bytes", n, len(elements))
	}
	vs := make([]T, n)
	for i := range vs {
		vs[i] = value(elements[i*(4+size)+4:])
	}
	return vs, nil
}

func readInt8s(b []byte) ([]int64, error) {
	return readFixed(b, oidInt8, 8, func(e []byte) int64 { return int64(binary.BigEndian.Uint64(e)) })
}

func readInt4s(b []byte) ([]int32, error) {
	return readFixed(b, oidInt4, 4, func(e []byte) int32 { return int32(binary.BigEndian.Uint32(e)) })
}

func readFloat8s(b []byte) ([]float64, error) {
	return readFixed(b, oidFloat8, 8, func(e []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(e)) })
}

// readByteas copies: the bytes belong to the connection's buffer.
func readByteas(b []byte) ([][]byte, error) {
	elements, n, err := readArray(b, oidBytea)
	if err != nil || n == 0 {
		return nil, err
	}
	elements = append([]byte(nil), elements...)
	vs := make([][]byte, 0, min(n, len(elements)/4))
	for range n {
		if len(elements) < 4 {
			return nil, fmt.Errorf("array of %d elements ends early", n)
		}
		size := binary.BigEndian.Uint32(elements)
		if uint64(size) > uint64(len(elements)-4) {
			return nil, fmt.Errorf("array of %d elements ends early", n)
		}
		vs = append(vs, elements[4:4+size:4+size])
		elements = elements[4+size:]
	}
	return vs, nil
}

func readInt4(b []byte) (int32, error) {
	if len(b) != 4 {
		return 0, fmt.Errorf("value of %d bytes is no int4", len(b))
	}
	return int32(binary.BigEndian.Uint32(b)), nil
}

func readInt8(b []byte) (int64, error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("value of %d bytes is no int8", len(b))
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}
