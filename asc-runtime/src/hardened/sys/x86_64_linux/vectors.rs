//! Vector registers at the runtime's borders.
//!
//! A dead vector register can reach memory as the undefined lanes of a wider store. So none may
//! hold anything of the runtime when the body is entered or a runtime function returns to it.

/// What the processor and the system offer, as [`super::ThreadWords::vectors`] holds it.
pub(crate) fn vector_registers() -> u64 {
    if std::is_x86_feature_detected!("avx512f") {
        2
    } else {
        u64::from(std::is_x86_feature_detected!("avx"))
    }
}

/// Assembly that zeroes all vector and mask registers. Uses the
/// operand `vectors` and the labels 71 and 72, and changes the flags. Sixteen zeroing idioms, which
/// the processor handles by renaming, are faster than one `vzeroall`.
macro_rules! clear_vectors {
    () => {
        concat!(
            "cmp byte ptr fs:[asc_thread@TPOFF + {vectors}], 1\n",
            "jb 71f\n",
            "vzeroupper\n",
            "vpxor xmm0, xmm0, xmm0\n",
            "vpxor xmm1, xmm1, xmm1\n",
            "vpxor xmm2, xmm2, xmm2\n",
            "vpxor xmm3, xmm3, xmm3\n",
            "vpxor xmm4, xmm4, xmm4\n",
            "vpxor xmm5, xmm5, xmm5\n",
            "vpxor xmm6, xmm6, xmm6\n",
            "vpxor xmm7, xmm7, xmm7\n",
            "vpxor xmm8, xmm8, xmm8\n",
            "vpxor xmm9, xmm9, xmm9\n",
            "vpxor xmm10, xmm10, xmm10\n",
            "vpxor xmm11, xmm11, xmm11\n",
            "vpxor xmm12, xmm12, xmm12\n",
            "vpxor xmm13, xmm13, xmm13\n",
            "vpxor xmm14, xmm14, xmm14\n",
            "vpxor xmm15, xmm15, xmm15\n",
            "je 72f\n",
            "vpxorq zmm16, zmm16, zmm16\n",
            "vpxorq zmm17, zmm17, zmm17\n",
            "vpxorq zmm18, zmm18, zmm18\n",
            "vpxorq zmm19, zmm19, zmm19\n",
            "vpxorq zmm20, zmm20, zmm20\n",
            "vpxorq zmm21, zmm21, zmm21\n",
            "vpxorq zmm22, zmm22, zmm22\n",
            "vpxorq zmm23, zmm23, zmm23\n",
            "vpxorq zmm24, zmm24, zmm24\n",
            "vpxorq zmm25, zmm25, zmm25\n",
            "vpxorq zmm26, zmm26, zmm26\n",
            "vpxorq zmm27, zmm27, zmm27\n",
            "vpxorq zmm28, zmm28, zmm28\n",
            "vpxorq zmm29, zmm29, zmm29\n",
            "vpxorq zmm30, zmm30, zmm30\n",
            "vpxorq zmm31, zmm31, zmm31\n",
            "kxorw k0, k0, k0\n",
            "kxorw k1, k1, k1\n",
            "kxorw k2, k2, k2\n",
            "kxorw k3, k3, k3\n",
            "kxorw k4, k4, k4\n",
            "kxorw k5, k5, k5\n",
            "kxorw k6, k6, k6\n",
            "kxorw k7, k7, k7\n",
            "jmp 72f\n",
            "71:\n",
            "xorps xmm0, xmm0\n",
            "xorps xmm1, xmm1\n",
            "xorps xmm2, xmm2\n",
            "xorps xmm3, xmm3\n",
            "xorps xmm4, xmm4\n",
            "xorps xmm5, xmm5\n",
            "xorps xmm6, xmm6\n",
            "xorps xmm7, xmm7\n",
            "xorps xmm8, xmm8\n",
            "xorps xmm9, xmm9\n",
            "xorps xmm10, xmm10\n",
            "xorps xmm11, xmm11\n",
            "xorps xmm12, xmm12\n",
            "xorps xmm13, xmm13\n",
            "xorps xmm14, xmm14\n",
            "xorps xmm15, xmm15\n",
            "72:"
        )
    };
}
pub(crate) use clear_vectors;
