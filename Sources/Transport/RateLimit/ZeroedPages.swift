internal import Glibc

/// Memory from the kernel, zero until it is written, page by page.
///
/// Not from `calloc`, which may clear megabytes at once, and without huge pages, each of which is cleared whole at the first
/// touch: either is a pause on a request's way.
enum ZeroedPages {
    static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
        let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let memory, memory != MAP_FAILED else { return nil }
        // Refused by kernels without huge pages.
        _ = madvise(memory, bytes, MADV_NOHUGEPAGE)
        return memory
    }

    static func free(_ memory: UnsafeMutableRawPointer, _ bytes: Int) { munmap(memory, bytes) }
}
