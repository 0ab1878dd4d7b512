//! provider_template - functions that are a text: the answer is made of it, without a network.
//!
//!   {"functionId": "hello", "type": "template", "provider": {"text": "{\"statusCode\":200,\"body\":\"{id}\"}"}}
//!
//! `{space}`, `{function}` and `{id}` (of the request) in the text become what they stand for. Rust on the
//! C border: memory of Rust is given with a release function, and nothing panics (it would abort).
#[macro_use]
mod egx;
mod eventgw;
use egx::*;
use eventgw::*;
use std::ffi::c_void;
use std::mem::size_of;
use std::ptr::{null, null_mut};

/// What a function configures; the gateway fills it in by the table below.
#[repr(C)]
struct TargetSettings {
    text: eg_str,
}

// There is nothing to keep: one instance is like the other.
unsafe extern "C" fn create(_: opaque, _: opaque, instance: *mut *mut c_void, _: *mut eg_why) -> i32 {
    *instance = null_mut();
    EG_OK
}

unsafe extern "C" fn destroy(_: *mut c_void) {}

unsafe extern "C" fn bind(
    _: *mut c_void,
    config: opaque,
    target: *mut *mut c_void,
    _: *mut eg_target_traits,
    why: *mut eg_why,
) -> i32 {
    let settings = &*(config as *const TargetSettings);
    if settings.text.len == 0 {
        return refuse(why, "text has to be given");
    }
    *target = Box::into_raw(Box::new(text_of(settings.text).into_owned())) as *mut c_void;
    EG_OK
}

unsafe extern "C" fn unbind(_: *mut c_void, target: *mut c_void) {
    drop(Box::from_raw(target as *mut String));
}

/// Called by whoever holds the body last, on any thread.
unsafe extern "C" fn release(owner: *mut c_void) {
    drop(Box::from_raw(owner as *mut String));
}

unsafe extern "C" fn invoke(
    _: *mut c_void,
    _: *mut c_void,
    target: *mut c_void,
    invocation: *const eg_invocation,
    op: *mut eg_op,
) -> i32 {
    let (template, call) = (&*(target as *const String), &*invocation);
    let answer = template
        .replace("{space}", &text_of(call.space))
        .replace("{function}", &text_of(call.function_id))
        .replace("{id}", &text_of(call.request_id));
    let body = Box::new(answer);
    let mut result: eg_result = std::mem::zeroed();
    result.struct_size = size_of::<eg_result>() as u32;
    result.http_status = 200;
    result.body = eg_buf {
        ptr: body.as_ptr(),
        len: body.len(),
        release: Some(release),
        owner: Box::into_raw(body) as *mut c_void,
    };
    ((*op).done)(op, EG_OK, &result);
    EG_OK
}

static TEXT: Shared<eg_setting> = Shared(eg_setting {
    struct_size: size_of::<eg_setting>() as u32,
    kind: EG_SET_STRING,
    flags: 0,
    offset: 0,
    min: 0,
    max: 0,
    name: c!("text"),
    fallback: null(),
    choices: null(),
    help: c!("The answer; {space}, {function} and {id} are filled in."),
});
static ROWS: Shared<[*const eg_setting; 1]> = Shared([&TEXT.0]);
static LIFE: Shared<eg_life_ops> = Shared(eg_life_ops {
    struct_size: size_of::<eg_life_ops>() as u32,
    reserved: 0,
    create,
    start: null(),
    attach: null(),
    detach: null(),
    drain: null(),
    destroy,
});
static OPS: Shared<eg_provider_ops> = Shared(eg_provider_ops {
    struct_size: size_of::<eg_provider_ops>() as u32,
    reserved: 0,
    bind,
    unbind,
    invoke,
    cancel: null(),
});
static COMPONENT: Shared<eg_component> = Shared(eg_component {
    struct_size: size_of::<eg_component>() as u32,
    kind: EG_KIND_PROVIDER,
    flags: 0,
    name: c!("template"),
    summary: c!("functions that are a text"),
    settings: null(),
    setting_count: 0,
    settings_size: 0,
    target_settings: &ROWS.0 as *const *const eg_setting,
    target_setting_count: 1,
    target_settings_size: size_of::<TargetSettings>(),
    life: &LIFE.0,
    ops: &OPS.0,
});
static COMPONENTS: Shared<[*const eg_component; 1]> = Shared([&COMPONENT.0]);

#[no_mangle]
#[allow(non_upper_case_globals)]
pub static eg_plugin: Shared<eventgw::eg_plugin> = Shared(eventgw::eg_plugin {
    magic: EG_PLUGIN_MAGIC,
    struct_size: size_of::<eventgw::eg_plugin>() as u32,
    abi_built: EG_ABI_0_1,
    abi_needs: EG_ABI_0_1,
    name: c!("provider_template"),
    version: c!("1.0.0"),
    licence: c!("Apache-2.0"),
    components: &COMPONENTS.0 as *const *const eg_component,
    component_count: 1,
});
