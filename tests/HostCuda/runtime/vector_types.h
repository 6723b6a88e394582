// CUDA's vector types, with the alignment that makes an access to one a single instruction on a GPU.
#pragma once

#define MNR_VECTORS_OF(type, number, alignment2, alignment4)                      \
    struct alignas(alignment2) type##2                                            \
    {                                                                             \
        number x, y;                                                              \
    };                                                                            \
    struct type##3                                                                \
    {                                                                             \
        number x, y, z;                                                           \
    };                                                                            \
    struct alignas(alignment4) type##4                                            \
    {                                                                             \
        number x, y, z, w;                                                        \
    };                                                                            \
    inline type##2 make_##type##2(number x, number y)                             \
    {                                                                             \
        return {x, y};                                                            \
    }                                                                             \
    inline type##3 make_##type##3(number x, number y, number z)                   \
    {                                                                             \
        return {x, y, z};                                                         \
    }                                                                             \
    inline type##4 make_##type##4(number x, number y, number z, number w)         \
    {                                                                             \
        return {x, y, z, w};                                                      \
    }

MNR_VECTORS_OF(float, float, 8, 16)
MNR_VECTORS_OF(int, int, 8, 16)
MNR_VECTORS_OF(uint, unsigned, 8, 16)
MNR_VECTORS_OF(ushort, unsigned short, 4, 8)
#undef MNR_VECTORS_OF

struct alignas(16) double2
{
    double x, y;
};

inline double2 make_double2(double x, double y)
{
    return {x, y};
}
